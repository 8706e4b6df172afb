// Starts the figures of a page of the site; in a notebook each starts itself.
addEventListener("DOMContentLoaded", () => {
  if (typeof lsExplore !== "undefined") lsExplore.start();
  window.lsCharts?.start();
});
