#include "util/error.hh"

#include <cerrno>
#include <cstring>

namespace redlock {

namespace {
std::string describe(std::string_view operation, std::string_view object, int code) {
    std::string text = "cannot ";
    text += operation;
    if (!object.empty()) {
        text += ' ';
        text += object;
    }
    text += ": ";
    text += std::strerror(code);
    return text;
}
} // namespace

SystemError::SystemError(std::string_view operation, std::string_view object, int code)
    : std::runtime_error(describe(operation, object, code)) {}

void throw_errno(std::string_view operation, std::string_view object) { throw SystemError(operation, object, errno); }

} // namespace redlock
