"""The WSGI application: `gunicorn -k gthread -w 2 --threads 8 listening.wsgi`."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "listening.settings")
application = get_wsgi_application()
# now, while nobody waits: the first listener's request would otherwise import all of it, for seconds
import_module(settings.ROOT_URLCONF)
