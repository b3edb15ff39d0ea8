// libxml2 is built with ICU, whose headers define UErrorCode; Foundation brings an ICU of its own with another UErrorCode, and Swift refuses
// a file that sees both. ICU appears in libxml2's headers only as two fields at the end of xmlCharEncodingHandler, which Assay never reads.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <zstd.h>
