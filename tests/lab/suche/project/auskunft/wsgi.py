"""
WSGI-Konfiguration des Projekts auskunft.

https://docs.djangoproject.com/de/5.2/howto/deployment/wsgi/
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auskunft.settings")

application = get_wsgi_application()
