// Shows the document of the service that serves this page.

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const reference = SwaggerUIBundle({
  dom_id: "#reference",
  url: "openapi.json",
  // The default asks another host whether the document is valid.
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // Whoever signs in here is signed in here: kept by this page, until it is left.
  responseInterceptor(response) {
    if (response.ok && /\/auth\/(login|refresh)$/.test(response.url)) {
      reference.preauthorizeApiKey("bearer", response.body.access_token);
    }
    return response;
  },
});
