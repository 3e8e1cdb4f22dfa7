// On narrow screens, the menu is a drawer. The theme opens it and its sections by
// labels, which only a pointer reaches. This script makes them work with a keyboard.
{
  const isDrawer = matchMedia("(max-width: 76.2344em)");
  const drawer = document.getElementById("__drawer");
  const opener = document.querySelector('.md-header__button[for="__drawer"]');
  const menu = document.querySelector(".md-sidebar--primary");
  const labels = [opener, ...menu.querySelectorAll("label[for]")];

  let isByKey = false;

  opener.setAttribute("aria-label", "Menu");

  function adapt() {
    for (const label of labels) {
      const isOpen = String(document.getElementById(label.htmlFor).checked);
      for (const [name, value] of [["tabindex", "0"], ["role", "button"], ["aria-expanded", isOpen]]) {
        if (isDrawer.matches) label.setAttribute(name, value);
        else label.removeAttribute(name);
      }
    }
  }

  // The first visible element of the panel on top.
  function enter() {
    const all = [...menu.querySelectorAll("label[for], a[href]")];
    all.find((one) => one.checkVisibility({ visibilityProperty: true }))?.focus();
  }

  // The theme clicks a label on Enter, but a button also needs the space bar.
  for (const label of labels) {
    label.addEventListener("keydown", (event) => {
      isByKey = isDrawer.matches && ["Enter", " "].includes(event.key);
      if (!isByKey || event.key === "Enter") return;
      event.preventDefault();
      label.click();
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isDrawer.matches || !drawer.checked) return;
    drawer.click();
    opener.focus();
  });

  document.addEventListener("change", ({ target }) => {
    adapt();
    if (!isByKey || !labels.some((label) => label.htmlFor === target.id)) return;
    isByKey = false;
    requestAnimationFrame(() => (drawer.checked ? enter() : opener.focus()));
  });
  isDrawer.addEventListener("change", adapt);
  adapt();
}
