/* Which dynproxy this is. */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

#define DYNPROXY_VERSION "0.1.0"

#endif
