/*
 * Every setting has a default, or is what the file says; what is dumped tells
 * which, and reads back the same.
 */
#include "t/unit/conf/read.h"

#include "conf/directives.h"

static char *
dump(const struct conf *conf)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_dump(conf, out);
	fclose(out);
	return text;
}

/* The settings alone: the comments that tell origins are cut off. */
static void
cut_origins(char *text)
{
	char *comment, *end;

	while ((comment = strstr(text, "  # ")) != NULL) {
		end = strchr(comment, '\n');
		memmove(comment, end, strlen(end) + 1);
		text = comment;
	}
}

static void
test_defaults(void)
{
	struct conf *conf = read_text("web_domain = localhost\n");
	char text[ADDR_TEXT_MAX], *written;

	is_int(conf->nlisteners, 6, "six listeners by default");
	is_str(addr_format(&conf->listeners[0].addr, text), "*:80", "HTTP");
	is_str(addr_format(&conf->listeners[1].addr, text), "*:443", "HTTPS");
	is_str(addr_format(&conf->listeners[2].addr, text), "*:8282", "8282");
	is_str(addr_format(&conf->listeners[3].addr, text), "*:8081", "8081");
	is_int(conf->listeners[5].kind, LISTEN_MASTER, "the last one");
	is_int((long long)conf->ident_timeout_ms, 2000, "ident_timeout");
	is_int((long long)conf->request_body_max, 134217728, "body");
	is_int(conf->ident_port, 113, "ident_port");
	is_int(conf->redis.len, 0, "no Redis");
	is_str(conf->redis_password, "", "no password");
	is_int(conf->nbackend_networks, 0, "no backend network");
	is_int(conf->nadmin_networks, 6, "loopback and private ranges");
	ok(conf->workers >= 1 && conf->workers <= 256, "workers = auto");
	conf_free(conf);

	conf = read_text("admin_networks = {}\n");
	is_int(conf->nadmin_networks, 0, "{} is a value");
	conf_free(conf);
	conf = read_text("access_log = off\n");
	is_str(conf->access_log, "", "a path that may be none: off");
	written = dump(conf);
	ok(strstr(written, "access_log               = \"off\"  # f:1\n") !=
		NULL,
	    "and written so");
	free(written);
	conf_free(conf);
	conf = read_text("admin_networks += {\"9.0.0.0/8\"}\n");
	is_int(conf->nadmin_networks, 7, "+= keeps the default");
	is_int(conf->nresponse_headers, 2, "a default with blanks in it");
	is_str(conf->response_headers[1].value, "GNU Terry Pratchett", "whole");
	conf_free(conf);
	conf = read_text(
	    "admin = \"*:1\"\nhttps = \"*:4\"\nhttp = {\"*:2\", \"*:3\"}\n");
	is_int(addr_port(&conf->listeners[0].addr), 2, "order of the kinds,");
	is_int(addr_port(&conf->listeners[1].addr), 3, "then of the file");
	is_int(addr_port(&conf->listeners[4].addr), 1, "whatever came first");
	conf_free(conf);
}

/* Every setting, none with its default. */
static const char full[] =
    "http = {\"127.0.0.1:81\", \"[::1]:82 proxy\"}\nhttps = \"*:84 proxy\"\n"
    "registration = {\"*:83\", \"/r.sock\"}\nadmin = {}\n"
    "control_socket = \"/c $HOME \\${X} \\\"q\\\" \\\\ \"\n"
    "master_socket = /m\nweb_domain = {a.example, b.example}\n"
    "workers = 7\nlog_sink = syslog\nlog_priority = debug\n"
    "pid_file = /p\nsandbox = off\nuser_worker = w\nuser_registrar = r\n"
    "user_logger = 7\nuser_lookup = l\ntable_size = 8m\nstate_directory = "
    "'/s\\'t'\n"
    "redis = none\nredis_sentinels = {\"[::1]:26379\", "
    "\"/s.sock\"}\nredis_primary = p\n"
    "redis_replica = \"[::1]:6379\"\nredis_user = u\nwait_replicas = 1\n"
    "redis_password = \"a\\nb$c\"\n"
    "store_down = refuse\naccount_prefix = \"x.\"\nident_port = 1113\n"
    "ident_timeout = 1s\nlocal_tools = {\"1000:hello\", \"0:root\"}\n"
    "backend_networks = {\"127.0.0.0/8\"}\n"
    "backend_denied = {\"127.0.0.9\"}\nadmin_networks = {\"::/0\"}\n"
    "request_line_max = 1k\nrequest_head_max = 64k\n"
    "request_field_max = 600b\nrequest_fields_max = 10\nhttp2_streams_max = 9\n"
    "response_head_max = 2k\nresponse_fields_max = 11\n"
    "request_body_max = 1g\nconnections_max = 5\nworker_memory_max = 20m\n"
    "backend_idle_max = 6\n"
    "request_head_timeout = 1s\nkeepalive_timeout = 2s\n"
    "keepalive_timeout_calm = 20s\nloop_lag_max = 1s\n"
    "body_timeout = 3s\nsend_timeout = 4s\nconnect_timeout = 5s\n"
    "response_timeout = 6s\nresponse_head_timeout = 7s\n"
    "backend_idle_timeout = 7s\n"
    "drain_timeout = 8s\ntunnel_drain = 2h\nregistration_timeout = 9s\n"
    "registrations_open_max = 7\nroutes_per_tool_max = 8\n"
    "legacy_hosts = {\"a.example\"}\nadmin_tool = b\n"
    "redirects = {\"a_b.example c.example 307\", \"*.d *.e\"}\n"
    "redirect_scheme = https\ndefault_backend = {\"http://10.0.0.1:80\", "
    "\"https://[fd00::1]:8443\", \"http://f.example:8080\"}\n"
    "client_address_for = {hello, a.example}\n"
    "response_headers = {\"for b.example set A: \\\"b, c\\\"\", \"remove X\"}\n"
    "hsts = \"\"\ncsp_report_only = \"default-src 'self'; report-uri /r\"\n"
    "compression = off\ncontact = \"a: {tool}\"\n"
    "error_directory = /e\nfavicon_file = /f\nrobots_file = /r\n"
    "tunnel_timeout = 2h\ntrusted_proxies = 10.0.0.0/8\nbackend_ca = /c\n"
    "access_log = /l\naccess_log_format = json\naccess_log_address = off\n"
    "access_log_space_min = 1m\noperator_networks = {\"10.0.0.0/8\"}\n"
    "refuse_no_agent = yes\nrate_limit = 5\nrate_burst = 6\n"
    "client_connections_max = 8\ntool_requests_max = 7\n"
    "tls_directory = /t\ntls_default = a\ntls_unknown_name = refuse\n"
    "tls_ticket_rotation = 1h\ntls_ticket_key_file = /k\n"
    "https_redirect = get\nhttps_redirect_status = 308\nacme_directory = /a\n"
    "tls_handshake_rate = 8\ntls_handshake_burst = 9\n"
    "tls_profile = modern\ntls_handshake_timeout = 7s\n"
    "node_name = a.b\nident_networks = \"10.0.0.0/8\"\n"
    "registration_connects = 2\nregistration_rate = 3\n"
    "registration_burst = 4\nroutes_max = 5\nlease_grace = 6s\n"
    "verify = require\nverify_interval = 7s\n";

static void
test_round_trip(void)
{
	struct conf *conf = read_text(full);
	struct conf *again;
	char *first, *second;

	is_str(said, "", "a file with every setting is taken");
	for (size_t i = 0; i < ndirectives; i++)
		ok(conf->origins[i].file != NULL || i == 3, "it has %s",
		    directives[i].name);
	ok(!conf->listeners[0].proxied && conf->listeners[1].proxied &&
		conf->listeners[2].proxied,
	    "a listener behind a load balancer");
	is_str(conf->listeners[5].addr.u.un.sun_path, "/c $HOME ${X} \"q\" \\ ",
	    "quotes, backslashes and dollars are read");
	is_str(conf->redis_password, "a\nb$c", "and a newline");
	is_str(conf->response_headers[0].zone, "b.example", "a rule's zone");
	is_str(conf->response_headers[0].value, "\"b, c\"", "and its value");
	is_int(conf->response_headers[1].action, HEADER_REMOVE, "its verb");

	first = dump(conf);
	ok(strstr(first, "ident_port               = 1113  # f:28\n") != NULL,
	    "a dump tells where a setting was given");
	again = read_text(first);
	is_str(said, "", "the dump is taken");
	second = dump(again);
	cut_origins(first);
	cut_origins(second);
	is_str(second, first, "and is the same settings");
	free(first);
	free(second);
	conf_free(again);
	conf_free(conf);

	conf = read_text("web_domain = localhost\n");
	first = dump(conf);
	ok(strstr(first, "= 113  # default\n") != NULL, "and what is default");
	free(first);
	conf_free(conf);
}

int
main(void)
{
	test_defaults();
	test_round_trip();
	free(said);
	return done();
}
