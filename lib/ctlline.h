/*
 * What stands before and behind the items of a list in an answer of the control
 * socket (registrar/ctl.h): the registrar writes it, dynproxyctl looks for it.
 */
#ifndef LIB_CTLLINE_H
#define LIB_CTLLINE_H

#define CTLLINE_LIST_BEGIN "{\"v\":1,\"exit\":0,\"data\":["
#define CTLLINE_LIST_END "]}"

#endif
