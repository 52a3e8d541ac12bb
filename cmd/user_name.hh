// The name of a user, for others to see.
#pragma once

#include <string>
#include <sys/types.h>

namespace redlock::cmd {

// As `passwd`, a file in the format of passwd(5), has it; else "root" for 0 and "uid N" for others. The system's user
// database is not asked: it may be on the network, and a lock must not wait for it.
std::string user_name(uid_t uid, const char *passwd = "/etc/passwd");

} // namespace redlock::cmd
