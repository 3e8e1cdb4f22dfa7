const protokoll = location.protocol === "https:" ? "wss:" : "ws:";
const verbindung = new WebSocket(`${protokoll}//${location.host}/ws/verlauf/`);

const tabelle = document.querySelector("#verlauf tbody");
const vorlage = document.querySelector("#zeile");

verbindung.addEventListener("message", (ereignis) => {
  const daten = JSON.parse(ereignis.data);
  const zeile = vorlage.content.cloneNode(true);
  for (const zelle of zeile.querySelectorAll("[data-feld]")) {
    zelle.textContent = daten[zelle.dataset.feld];
  }
  document.querySelector("#leer")?.remove();
  tabelle.prepend(zeile);
});
