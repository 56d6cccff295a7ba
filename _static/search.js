// The search: a dialog that keeps the focus, and results that show what a reader reads.
addEventListener("DOMContentLoaded", () => {
  // The browser's own dialog in place of the theme's box, from which Tab leads to the page behind.
  const dialog = Object.assign(document.createElement("dialog"), { className: "search-dialog", ariaLabel: "Search" });
  dialog.append(document.querySelector(".search-button__search-container form"));
  document.body.append(dialog);
  const field = dialog.querySelector("input");
  const open = () => {
    dialog.showModal();
    field.focus();
    field.select();
  };
  // Before the theme, which listens on the window too, but from `load` on.
  const listen = (type, act) => addEventListener(type, act, true);
  listen("keydown", (event) => {
    const plain = !event.shiftKey && !event.altKey && !event.isComposing;
    if (plain && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      dialog.open ? dialog.close() : open();
    } else if (dialog.open && plain && event.key === "Escape") {
      dialog.close();
    } else if (dialog.open && event.key === "Tab") {
      field.focus(); // there is nothing else to go to
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  listen("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside the form
    if (!event.target.closest(".search-button__button")) return;
    event.stopImmediatePropagation();
    open();
  });
  dialog.addEventListener("submit", () => dialog.close());

  // On the page of results: excerpts without buttons, headings and TeX.
  if (typeof Search === "undefined") return;
  const SIGNS = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", eta: "η", lambda: "λ", mu: "μ", sigma: "σ", tau: "τ", theta: "θ" };
  Object.assign(SIGNS, { cdot: "·", times: "×", le: "≤", ge: "≥", in: "∈", to: "→", leftarrow: "←", dots: "…", top: "⊤", sum: "Σ" });
  const FONTS = /\\(math(bf|bb|cal|rm)|text|boldsymbol|operatorname|big|left|right|lVert|rVert|lvert|rvert)(?![a-z])/g;
  const readable = (tex) => {
    const text = tex
      .replace(/\\[()]/g, "")
      .replace(FONTS, "")
      .replace(/\\([a-z]+)/g, (command, name) => SIGNS[name] ?? command)
      .replace(/\\[,;:! ]|[{}$]/g, " ");
    return text.includes("\\") ? "…" : text;
  };
  const AWAY = "h1, .facts, .headerlink, noscript, script, style, summary, svg, div.math";
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article.bd-article") ?? page.body;
    article.querySelectorAll(AWAY).forEach((element) => element.remove());
    article.querySelectorAll("dd, dt, h2, h3, h4, li, p, pre, td").forEach((element) => element.append(" "));
    article.querySelectorAll("span.math").forEach((formula) => (formula.textContent = readable(formula.textContent)));
    const there = (anchor && page.getElementById(decodeURIComponent(anchor.slice(1)))) || article;
    there.querySelector(":scope > :is(h2, h3, h4)")?.remove();
    const meaning = there.matches("dt") ? there.nextElementSibling?.textContent : ""; // of a term
    return `${there.textContent} ${meaning}`.replace(/\s+/g, " ").trim();
  };
});
