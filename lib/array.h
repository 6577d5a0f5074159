/* How many elements an array has; of a pointer it would be nonsense. */
#ifndef LIB_ARRAY_H
#define LIB_ARRAY_H

#define nitems(array) (sizeof(array) / sizeof((array)[0]))

#endif
