from django.utils.crypto import salted_hmac


def group_for(user_id):
    digest = salted_hmac("inquiry.groups", str(user_id), algorithm="sha256")
    return f"desk.asker.{digest.hexdigest()}"
