try {
const theme = localStorage.getItem("tapewire-theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
}
