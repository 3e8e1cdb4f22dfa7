from uuid import uuid4

from django.contrib.auth import get_user_model, login


class GuestMiddleware:
    """Sign in every new visitor as a separate guest user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.user.is_authenticated:
            guest = get_user_model().objects.create_user(f"guest-{uuid4().hex}")
            login(request, guest)
        return self.get_response(request)
