import { render } from "preact";

import { createPort } from "./app/create";
import "./styles/index.css";
import { Page } from "./ui/page";

const page = document.getElementById("page");
if (!page) throw new Error("index.html has a place for the page");
render(<Page port={createPort()} />, page);
