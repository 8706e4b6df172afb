// Starts the driven figures of a page of the site.
addEventListener("DOMContentLoaded", lsExplore.start);
