/*
 * kube2proxy(8): routes for the services of Kubernetes that ask for one.  A
 * thread follows its services, and one its endpoint slices when those are the
 * backends; main() makes the routes what they ask for, whenever they change.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <err.h>
#include <pthread.h>
#include <signal.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/stdfd.h"
#include "tools/kube2proxy_routes.h"
#include "tools/kube_watch.h"
#include "tools/options.h"

#define SELECTOR "tools.wmflabs.org/webservice=true"
#define PATH_LABEL "toollabs-proxy-path"
#define REDIS "127.0.0.1:6379"
#define BACKOFF_MS 50 /* registrar and Redis are near */
#define BACKOFF_MAX_MS 1000

struct proxy;

/* Objects of one kind, as far as they are of use to us. */
struct followed {
	struct kube_watch watch;
	struct proxy *proxy;
	json_t *objects; /* "<namespace>/<name>" -> object; NULL: not listed */
};

struct proxy {
	struct kube kube;
	struct routes routes; /* main()'s alone */
	const char *selector, *path_label;
	char redis_host[128];
	bool by_slices;

	pthread_mutex_t lock; /* for all that follows */
	pthread_cond_t changed;
	struct followed services, slices;
	bool news;  /* since the routes were made */
	bool again; /* there was a list: look at all that is there */
};

/* What is of use in an object; NULL: nothing. */
static json_t *
useful(const struct followed *f, const json_t *object)
{
	return f == &f->proxy->slices
		   ? kube_slice(object)
		   : kube_service(object, f->proxy->path_label);
}

/* Under the lock. */
static void
keep(struct followed *f, const json_t *object, bool is_there)
{
	json_t *of_use = is_there ? useful(f, object) : NULL, *key;
	const char *namespace, *name;

	if (json_unpack((json_t *)object, "{s:{s:s, s:s}}", "metadata",
		"namespace", &namespace, "name", &name) == -1)
		return;
	key = json_sprintf("%s/%s", namespace, name);
	if (of_use != NULL)
		json_object_set_new(f->objects, json_string_value(key), of_use);
	else
		json_object_del(f->objects, json_string_value(key));
	json_decref(key);
}

static void
tell_main(struct proxy *p)
{
	p->news = true;
	pthread_cond_signal(&p->changed);
}

/* struct kube_watch's listed(), changed(). */
static void
take_list(void *user, const json_t *objects)
{
	struct followed *f = user;
	json_t *object;
	size_t i;

	pthread_mutex_lock(&f->proxy->lock);
	json_decref(f->objects);
	f->objects = json_object();
	json_array_foreach(objects, i, object) keep(f, object, true);
	f->proxy->again = true;
	tell_main(f->proxy);
	pthread_mutex_unlock(&f->proxy->lock);
}

static void
take_change(void *user, const json_t *object, bool is_there)
{
	struct followed *f = user;

	pthread_mutex_lock(&f->proxy->lock);
	keep(f, object, is_there);
	tell_main(f->proxy);
	pthread_mutex_unlock(&f->proxy->lock);
}

static void *
run_watch(void *arg)
{
	kube_watch_run(arg);
}

static void
follow(struct proxy *p, struct followed *f, enum kube_kind kind,
    const char *selector)
{
	pthread_t thread;

	f->proxy = p;
	f->watch = (struct kube_watch){ .kube = &p->kube,
		.selector = selector,
		.kind = kind,
		.listed = take_list,
		.changed = take_change,
		.user = f };
	if (pthread_create(&thread, NULL, run_watch, &f->watch) != 0)
		errx(1, "cannot make a thread");
}

/* Wait until something else is wanted. */
static void
await_wanted(struct proxy *p, struct kube_wanted *wanted)
{
	pthread_mutex_lock(&p->lock);
	while (!p->news || p->services.objects == NULL ||
	       (p->by_slices && p->slices.objects == NULL))
		pthread_cond_wait(&p->changed, &p->lock);
	kube_wanted_init(wanted, p->services.objects, p->slices.objects);
	if (p->again)
		routes_forget(&p->routes);
	p->news = p->again = false;
	pthread_mutex_unlock(&p->lock);
}

static void
run(struct proxy *p)
{
	struct kube_wanted wanted;
	unsigned wait_ms = BACKOFF_MS;

	for (;;) {
		await_wanted(p, &wanted);
		if (routes_make(&p->routes, &wanted)) {
			wait_ms = BACKOFF_MS;
		} else {
			clock_sleep_ms(wait_ms);
			wait_ms = wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2
							       : BACKOFF_MAX_MS;
			pthread_mutex_lock(&p->lock);
			p->news = true;
			pthread_mutex_unlock(&p->lock);
		}
		kube_wanted_release(&wanted);
	}
}

static void
usage(FILE *out)
{
	fputs("usage: kube2proxy [--kubeconfig FILE] [--selector LABELS] "
	      "[--path-label NAME]\n"
	      "\t[--redis HOST:PORT] [--control SOCKET "
	      "[--endpoint-slices]]\n",
	    out);
}

static void
read_redis(struct proxy *p, const char *text)
{
	const char *colon = strrchr(text, ':'), *wrong = NULL;

	if (colon == NULL ||
	    (size_t)snprintf(p->redis_host, sizeof(p->redis_host), "%.*s",
		(int)(colon - text), text) >= sizeof(p->redis_host))
		errx(2, "--redis %s: say HOST:PORT", text);
	p->routes.redis_host = p->redis_host;
	p->routes.redis_port = (int)strtonum(colon + 1, 1, 65535, &wrong);
	if (wrong != NULL)
		errx(2, "--redis %s: the port is %s", text, wrong);
}

/* Returns the kubeconfig file, or NULL. */
static const char *
parse(struct proxy *p, int argc, char **argv)
{
	const char *kubeconfig = NULL, *redis = REDIS;
	const struct option_row rows[] = {
		{ "control", .text = &p->routes.control },
		{ "endpoint-slices", .flag = &p->by_slices },
		{ "kubeconfig", .text = &kubeconfig },
		{ "path-label", .text = &p->path_label },
		{ "redis", .text = &redis },
		{ "selector", .text = &p->selector },
		{ NULL },
	};

	if (options_read(argc, argv, rows, usage, 2) < argc) {
		usage(stderr);
		exit(2);
	}
	read_redis(p, redis);
	/* the original's form in Redis has one backend a route */
	if (p->by_slices && p->routes.control == NULL)
		errx(2, "--endpoint-slices needs --control");
	return kubeconfig;
}

int
main(int argc, char **argv)
{
	static struct proxy p = { .selector = SELECTOR,
		.path_label = PATH_LABEL,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	const char *home = getenv("HOME");
	char why[KUBE_WHY_MAX];
	const char *kubeconfig;

	stdfd_open();
	kubeconfig = parse(&p, argc, argv);
	log_open(LOG_TO_STDERR, "kube2proxy", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!kube_read_config(
		&p.kube, kubeconfig, home != NULL ? home : "/", why))
		errx(1, "%s", why);
	follow(&p, &p.services, KUBE_SERVICES, p.selector);
	if (p.by_slices)
		follow(&p, &p.slices, KUBE_ENDPOINTSLICES, KUBE_SERVICE_NAME);
	run(&p);
}
