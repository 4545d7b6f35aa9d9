// How to get the same data with one's own code. A token that was typed in is never written out.

export interface Snippet {
  name: string;
  about: string;
  code: string;
}

/** Snippets for a page's address and its first symbols. `demo`: the token is `demo`, and nobody's secret. */
export function snippets(pageUrl: string, symbols: readonly string[], demo: boolean): Snippet[] {
  const base = pageUrl.replace(/[?#].*$/, "").replace(/\/[^/]*$/, "");
  const stream = `${base.replace(/^http/, "ws")}/v1/stream`;
  const list = JSON.stringify(symbols);
  const [first] = symbols;
  const token = (variable: string): string => (demo ? '"demo"' : variable);
  return [
    {
      name: "curl", about: "One request over HTTP.",
      code: `curl -H "Authorization: Bearer ${demo ? "demo" : "$TAPEWIRE_TOKEN"}" \\\n` +
        `  "${base}/v1/trades?symbols=${encodeURIComponent(first ?? "")}&order=desc&limit=3"`,
    },
    {
      name: "Python", about: "pip install tapewire-client: comes back by itself, misses nothing.",
      code: [
        "import asyncio", ...(demo ? [] : ["import os"]), "import tapewire_client", "",
        "async def main():",
        `    token = ${token('os.environ["TAPEWIRE_TOKEN"]')}`,
        `    async with tapewire_client.connect("${stream}", token=token) as client:`,
        `        await client.subscribe(${list}, kinds=["t", "q"])`,
        "        async for message in client:",
        '            if message["op"] == "t":',
        '                print(message["c"], message["px"], "x", message["sz"])',
        "", "asyncio.run(main())",
      ].join("\n"),
    },
    {
      name: "TypeScript", about: "In a browser, Deno, or Node 22: the native protocol as it is.",
      code: [
        `const socket = new WebSocket("${stream}", "tapewire.v1.json");`,
        "socket.onopen = () => socket.send(JSON.stringify([",
        `  { op: "hello", token: ${token("process.env.TAPEWIRE_TOKEN")} },`,
        `  { op: "sub", id: 1, symbols: ${list}, kinds: ["t"], mode: "interval", hz: 4 },`,
        "]));",
        "socket.onmessage = ({ data }) => {",
        "  for (const message of JSON.parse(data)) {",
        '    if (message.op === "t") console.log(message.c, message.px, "x", message.sz);',
        "  }",
        "};",
      ].join("\n"),
    },
    { name: "alpaca-py", about: "To come: the hub will speak Alpaca's stream, so that its client works unchanged.", code: "" },
  ];
}
