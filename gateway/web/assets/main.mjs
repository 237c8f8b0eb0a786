// Every page works without this; it moves focus to the error summary, folds the menu and the like.
import { initAll } from "./nhsuk-frontend.min.js";

initAll();
