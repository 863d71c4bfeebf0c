"""The WSGI application: `gunicorn -k gthread -w 2 --threads 8 listening.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "listening.settings")
application = get_wsgi_application()
