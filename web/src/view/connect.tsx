import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { snippets, type Snippet } from "../core/snippets.ts";
import type { App } from "../shell/app.ts";

/** Fetched behind the first paint. */
export default function ConnectPanel({ app }: { app: App }): VNode {
  const symbols = app.lines.value.slice(0, 2).map(({ symbol }) => symbol);
  return (
    <section id="connect" tabIndex={-1} aria-labelledby="connect-head">
      <h2 id="connect-head">Connect your code</h2>
      {snippets(document.baseURI, symbols, app.isDemo.value).map((snippet) => <Code key={snippet.name} snippet={snippet} />)}
    </section>
  );
}

function Code({ snippet: { name, about, code } }: { snippet: Snippet }): VNode {
  const told = useSignal("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(code);
      told.value = "Copied.";
    } catch {
      told.value = "The browser does not allow it: select the text and copy it.";
    }
  };
  return (
    <details>
      <summary>{name}</summary>
      <p class="help">{about}</p>
      {code && <pre tabIndex={0} role="group" aria-label={`Code for ${name}`}><code>{code}</code></pre>}
      {code && <p class="bar"><button onClick={() => void copy()}>Copy</button><span role="status">{told}</span></p>}
    </details>
  );
}
