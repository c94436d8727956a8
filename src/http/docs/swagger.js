"use strict";

// Swagger UI has its dark colors below this class.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const setColors = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", setColors);
setColors();

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  // The key stays in the memory of the page.
  persistAuthorization: false,
  tryItOutEnabled: true,
  // No validator at another origin.
  validatorUrl: null,
});
