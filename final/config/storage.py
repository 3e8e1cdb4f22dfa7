"""The static files in production: compressed, and with a digest in each name."""

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):
    # The modules of the page's script import each other by these names, too.
    support_js_module_import_aggregation = True

    def __init__(self, *arguments, **options):
        # Several releases may share STATIC_ROOT. Each keeps the list of its own names.
        place = FileSystemStorage(location=settings.BASE_DIR / "static_root")
        super().__init__(*arguments, manifest_storage=place, **options)
