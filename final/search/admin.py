"""The searches in Django's admin, with ADMIN=1."""

from django.contrib import admin

from .models import SearchResult


@admin.register(SearchResult)
class SearchResultAdmin(admin.ModelAdmin):
    list_display = ["query", "user", "status", "created_at", "updated_at", "claims"]
    list_filter = ["status"]
    search_fields = ["task_id"]
    date_hierarchy = "created_at"
    # Only workers and visitors change searches. Operators may view and delete them.
    readonly_fields = [field.name for field in SearchResult._meta.fields]

    def has_add_permission(self, request):
        return False
