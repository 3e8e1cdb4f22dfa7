"""The static files in production: compressed, and with a digest in each name."""

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):
    # The page's JavaScript modules also import each other by these names.
    support_js_module_import_aggregation = True

    def __init__(self, *arguments, **options):
        # Several releases may share STATIC_ROOT. Each release keeps its own manifest.
        place = FileSystemStorage(location=settings.BASE_DIR / "static_root")
        super().__init__(*arguments, manifest_storage=place, **options)
