/* What webservice(1) shows of a tool: its address, and the proxy's view. */
#ifndef TOOLS_WEBSERVICE_SHOW_H
#define TOOLS_WEBSERVICE_SHOW_H

#include "tools/account.h"

/* "https://<tool>.<domain>/", on standard output. */
void webservice_show_url(const struct account *a);

/* What the proxy thinks of it, if it can be asked; on standard output. */
void webservice_show_proxy(const struct account *a);

#endif
