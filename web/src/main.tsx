import { render } from "preact";
import { App } from "./shell/app.ts";
import { Page } from "./view/page.tsx";
import "./page.css";

render(<Page app={new App()} />, document.getElementById("page")!);
