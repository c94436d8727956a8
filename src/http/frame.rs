//! The frame of the pages that the service generates.

pub(super) fn frame(title: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - Instrument Registry</title>\n\
         <link rel=\"icon\" href=\"/docs/favicon-32x32.png\">\n<link rel=\"stylesheet\" href=\"/docs/pages.css\">\n</head>\n\
         <body>\n<nav><a href=\"/docs/manual\">Manual</a> <a href=\"/docs/errors\">Errors</a> <a href=\"/docs\">API</a> \
         <a href=\"/dashboard\">Dashboard</a></nav>\n<main>\n{content}</main>\n</body>\n</html>\n"
    )
}
