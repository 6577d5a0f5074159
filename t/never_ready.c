/* Links into a dynproxyd whose workers never say that they serve. */
#include <unistd.h>

int __wrap_worker_main(void);

int
__wrap_worker_main(void)
{
	for (;;)
		pause();
}
