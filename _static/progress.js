// What a reader has read and answered. It stays in this browser; nothing is sent anywhere.
addEventListener("DOMContentLoaded", () => {
  const KEY = "deep-learning-measured";
  const load = () => {
    try {
      return { chapters: {}, questions: {}, ...JSON.parse(localStorage.getItem(KEY)) };
    } catch {
      return { chapters: {}, questions: {} };
    }
  };
  const keep = (change) => {
    const progress = load();
    change(progress);
    try {
      localStorage.setItem(KEY, JSON.stringify(progress));
    } catch {} // a browser that keeps nothing
  };
  const root = document.documentElement.dataset.content_root;
  const base = new URL(root, location.href).pathname;
  const name = (address) =>
    (new URL(address, location.href).pathname.replace(base, "").match(/^chapters\/(?!front|back)(.+)\.html$/) ?? [])[1];

  // On a chapter: it is read when its summary has been seen.
  const here = name(location.href);
  const summary = document.querySelector("section#summary");
  if (here && summary) {
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      keep((progress) => (progress.chapters[here] ??= new Date().toISOString().slice(0, 10)));
    }).observe(summary);
    document.addEventListener("change", ({ target }) => {
      const question = target.closest?.(".d2l-question");
      if (question) keep((progress) => (progress.questions[`${here}#${question.id}`] = 1));
    });
  }

  // On the home page.
  const show = () => {
    const place = document.querySelector(".progress-here");
    if (!place) return;
    const progress = load();
    const chapters = new Set(
      [...document.querySelectorAll("nav.bd-links a[href]")].map((link) => name(link.href)).filter(Boolean),
    );
    const read = [...chapters].filter((key) => progress.chapters[key]).length;
    const answered = Object.keys(progress.questions).length;
    for (const link of document.querySelectorAll(".bd-article a[href]"))
      link.classList.toggle("is-read", name(link.getAttribute("href")) in progress.chapters);
    place.replaceChildren();
    if (!read && !answered) return;
    const said = document.createElement("p");
    said.textContent =
      `You have read ${read} of ${chapters.size} chapters and answered ${answered} ` +
      `question${answered === 1 ? "" : "s"}. Only this browser knows.`;
    const button = (text, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick: act });
      made.className = "sd-btn sd-btn-outline-primary";
      return made;
    };
    place.append(
      said,
      button("Save as a file", () => {
        const file = new Blob([JSON.stringify(load(), null, 1)], { type: "application/json" });
        const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "progress.json" });
        link.click();
        URL.revokeObjectURL(link.href);
      }),
      button("Forget it", () => {
        localStorage.removeItem(KEY);
        show();
      }),
    );
  };
  show();
  addEventListener("pageshow", show); // after “back”, too
});
