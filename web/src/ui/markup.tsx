/** A message's tree on the page: each form as its element, and text as text. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { type Block, type Inline, isEmojiOnly, parse } from "../text/markup";
import { usePort, useWords } from "./context";
import { CheckIcon, CopyIcon } from "./icons";

export function Markup({ text }: { readonly text: string }): JSX.Element {
  const blocks = parse(text);
  return (
    <div class={isEmojiOnly(blocks) ? "text large" : "text"} dir="auto">
      {blocks.map((block) => (
        <BlockOf block={block} />
      ))}
    </div>
  );
}

function BlockOf({ block }: { readonly block: Block }): JSX.Element {
  switch (block.is) {
    case "code":
      return <Code language={block.language} text={block.text} />;
    case "quote":
      return (
        <blockquote dir="auto">
          <Lines lines={block.lines} />
        </blockquote>
      );
    case "list":
      return (
        <ul>
          {block.lines.map((line) => (
            <li dir="auto">
              <Line line={line} />
            </li>
          ))}
        </ul>
      );
    case "lines":
      return (
        <p>
          <Lines lines={block.lines} />
        </p>
      );
  }
}

function Lines({ lines }: { readonly lines: readonly (readonly Inline[])[] }): JSX.Element {
  return (
    <>
      {lines.map((line, at) => (
        <>
          {at > 0 && <br />}
          <Line line={line} />
        </>
      ))}
    </>
  );
}

function Line({ line }: { readonly line: readonly Inline[] }): JSX.Element {
  return (
    <>
      {line.map((node) => (
        <InlineOf node={node} />
      ))}
    </>
  );
}

function InlineOf({ node }: { readonly node: Inline }): JSX.Element {
  const { session } = usePort();
  switch (node.is) {
    case "text":
      return <>{node.text}</>;
    case "code":
      return <code>{node.text}</code>;
    case "link":
      return (
        <a href={node.href} target="_blank" rel="noopener noreferrer nofollow">
          {node.text}
        </a>
      );
    case "mention": {
      const me = session.value.state === "in" && session.value.user === node.name;
      return <span class={me ? "mention me" : "mention"}>{node.text}</span>;
    }
    case "strong":
      return (
        <strong>
          <Line line={node.of} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Line line={node.of} />
        </em>
      );
    case "struck":
      return (
        <s>
          <Line line={node.of} />
        </s>
      );
  }
}

function Code({ language, text }: { readonly language: string; readonly text: string }): JSX.Element {
  const words = useWords();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return; // the browser does not let pages: the text can be marked and copied by hand
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <figure class="code" dir="ltr">
      <figcaption>
        {language || words.code}
        {navigator.clipboard && (
          <button type="button" class="quiet" onClick={() => void copy()}>
            {copied ? <CheckIcon /> : <CopyIcon />}
            {copied ? words.copied : words.copy}
          </button>
        )}
      </figcaption>
      <pre tabIndex={0} role="group" aria-label={language || words.code}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
