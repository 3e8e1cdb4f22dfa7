def answers_group(user_id):
    return f"answers_{user_id}"
