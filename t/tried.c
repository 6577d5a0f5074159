/* Links into a dynproxyd that, when another one tries it, stops first. */
#include <signal.h>

int __real_upgrade_probe(const char *state);
int __wrap_upgrade_probe(const char *state);

int
__wrap_upgrade_probe(const char *state)
{
	raise(SIGSTOP);
	return __real_upgrade_probe(state);
}
