// `redlock lab`: a command that runs with N throwaway nodes on this machine, and nothing left afterwards.
#pragma once

#include "event/signals.hh"

#include <string>
#include <vector>

namespace redlock::cmd {

struct LabOptions {
    unsigned nodes = 5;               // at least 1
    bool tcp = false;                 // ports on the loopback instead of unix sockets
    std::vector<std::string> command; // empty: the user's shell
    bool quiet = false;
    int verbose = 0;
};

// Returns the exit code: the command's; 128+S when it died of signal S; 126 or 127 when it could not be
// executed; 69 when there is no server to be had. Does not return when the command died of INT, of QUIT
// or of a signal that was passed on to it, nor when such a signal came before the command: then
// this process dies of it, too. In every case the nodes are gone first. Throws SystemError.
int run_lab(const LabOptions &options, event::Signals &signals);

} // namespace redlock::cmd
