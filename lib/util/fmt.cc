// fmt's own code, compiled here and nowhere else: the other files only see its declarations, which halves what they
// cost to compile, and no shared library is loaded for it when the program starts.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

// fmt::format() is a template around this one function. Its address is taken so that the compiler emits it.
extern std::string (*const emitted_vformat)(fmt::string_view, fmt::format_args);
std::string (*const emitted_vformat)(fmt::string_view, fmt::format_args) = &fmt::vformat;
