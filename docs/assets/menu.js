// On narrow screens, the menu is a drawer. In the theme, a click on a label opens the
// drawer or a section, but a keyboard cannot reach the labels. This script makes the
// labels work with a keyboard.
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

  // Move the focus to the first visible label or link of the menu.
  function enter() {
    const all = [...menu.querySelectorAll("label[for], a[href]")];
    all.find((one) => one.checkVisibility({ visibilityProperty: true }))?.focus();
  }

  // When Enter is pressed, the theme clicks the label. A button must also respond to
  // the space bar.
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
