/* The commands of dynproxyctl, for its table. */
#ifndef TOOLS_CTL_COMMANDS_H
#define TOOLS_CTL_COMMANDS_H

#include "tools/ctl_table.h"

/* Each takes its operands, NULL-terminated, and returns the exit code. */
int cmd_status(const struct ctl *ctl, char **args);
int cmd_reopen(const struct ctl *ctl, char **args);
int cmd_reload(const struct ctl *ctl, char **args);
int cmd_upgrade(const struct ctl *ctl, char **args);
int cmd_stop(const struct ctl *ctl, char **args);
int cmd_list(const struct ctl *ctl, char **args);
int cmd_explain(const struct ctl *ctl, char **args);
int cmd_add(const struct ctl *ctl, char **args);
int cmd_del(const struct ctl *ctl, char **args);
int cmd_believe(const struct ctl *ctl, char **args);
int cmd_stale(const struct ctl *ctl, char **args);
int cmd_scrub(const struct ctl *ctl, char **args);
int cmd_drain(const struct ctl *ctl, char **args);
int cmd_undrain(const struct ctl *ctl, char **args);
int cmd_export(const struct ctl *ctl, char **args);
int cmd_import(const struct ctl *ctl, char **args);
int cmd_tool(const struct ctl *ctl, char **args);
int cmd_top(const struct ctl *ctl, char **args);
int cmd_registrations(const struct ctl *ctl, char **args);
int cmd_sessions(const struct ctl *ctl, char **args);
int cmd_tail(const struct ctl *ctl, char **args);
int cmd_diff(const struct ctl *ctl, char **args);
int cmd_doctor(const struct ctl *ctl, char **args);
int cmd_watch(const struct ctl *ctl, char **args);
int cmd_wait(const struct ctl *ctl, char **args);
int cmd_registration(const struct ctl *ctl, char **args);
int cmd_bans(const struct ctl *ctl, char **args);
int cmd_ban(const struct ctl *ctl, char **args);
int cmd_unban(const struct ctl *ctl, char **args);
int cmd_blocks(const struct ctl *ctl, char **args);
int cmd_block(const struct ctl *ctl, char **args);
int cmd_unblock(const struct ctl *ctl, char **args);
int cmd_maintenance(const struct ctl *ctl, char **args);
int cmd_standby(const struct ctl *ctl, char **args);

/* ctl_list.c: by tool; those of one tool stay as they are. */
json_t *ctl_sort_routes_take(json_t *routes);

/* ctl_unknown.c: what top says of names that nobody has. */
int ctl_show_unknown(const struct ctl *ctl);

/* The tables that they show: a row of the table of commands names its own. */
extern const struct ctl_column ctl_columns_routes[];
/* of one tool, whose name is above them */
#define ctl_columns_tool_routes (ctl_columns_routes + 1)
extern const struct ctl_column ctl_columns_registrations[];
extern const struct ctl_column ctl_columns_sessions[];
extern const struct ctl_column ctl_columns_unknown[];
extern const struct ctl_column ctl_columns_policy[];
extern const struct ctl_column ctl_columns_blocks[];
extern const struct ctl_column ctl_columns_findings[];

#endif
