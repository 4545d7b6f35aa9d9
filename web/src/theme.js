// Before anything is painted: the colours that were chosen here, so that no other ones flash up.
try {
  const theme = localStorage.getItem("tapewire-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's colours.
}
