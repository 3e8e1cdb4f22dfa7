from django.db import models
from django.utils.formats import date_format
from django.utils.timezone import localtime


class Eintrag(models.Model):
    sitzung = models.CharField("Sitzung", max_length=40, db_index=True)
    frage = models.TextField("Frage")
    antwort = models.TextField("Antwort")
    erstellt = models.DateTimeField("erstellt am", auto_now_add=True)

    class Meta:
        ordering = ["-erstellt"]
        verbose_name = "Eintrag"
        verbose_name_plural = "Einträge"

    def __str__(self):
        return self.frage[:60]

    def als_zeile(self):
        zeitpunkt = localtime(self.erstellt)
        return {
            "zeit": date_format(zeitpunkt, "SHORT_DATETIME_FORMAT"),
            "frage": self.frage,
            "antwort": self.antwort,
        }
