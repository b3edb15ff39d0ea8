#include <libxml/parser.h>
#include <zlib.h>
