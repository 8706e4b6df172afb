// The theme names a contents list it no longer has and so watches every link of the page, even one
// to a figure's state, which it cannot read; name the list there is.
addEventListener("DOMContentLoaded", () => {
  const { body } = document;
  if (document.getElementById("pst-page-toc-nav")) body.dataset.bsTarget = "#pst-page-toc-nav";
  else delete body.dataset.bsSpy;
});
