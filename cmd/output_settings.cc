#include "cmd/setting_readers.hh"

#include <algorithm>

namespace redlock::cmd {

namespace {

int read_verbosity(const Typed &typed) {
    int verbosity = 0;
    for (const Typed::Given &given : typed.all()) {
        if (given.option == &option("-q")) verbosity = -1;
        if (given.option == &option("-v")) verbosity = std::clamp(verbosity + 1, 1, 2);
    }
    return verbosity;
}

// The file that acquire writes the token to.
std::string read_token_file(const Sources &sources) {
    const Value<std::string> file = sources.text(option("--token-file"));
    if (!file.given()) return "";
    if (file.value.empty()) throw UsageError("--token-file: the name of the file is empty (an unset variable?)");
    if (file.value == "-")
        throw UsageError("--token-file: '-' is no name for standard output; leave out --token-file, and the token "
                         "goes there (a file of that name is ./-)");
    if (file.value.find("://") != file.value.npos)
        throw UsageError(fmt::format("--token-file: {} is an address and no file", in_quotes(file.value)));
    return file.value;
}

// The last one of --format and --json counts.
Format read_format(const Typed &typed, Format otherwise) {
    Format format = otherwise;
    for (const Typed::Given &given : typed.all()) {
        const bool json = given.option == &option("--json");
        if (!json && given.option != &option("--format")) continue;
        if (!json && given.value != "token" && given.value != "env" && given.value != "json")
            throw UsageError(fmt::format("--format: {} is not one of token, env and json", in_quotes(given.value)));
        format = json || given.value == "json" ? Format::json : given.value == "env" ? Format::env : Format::token;
    }
    return format;
}

} // namespace

Output read_output(const Sources &sources) {
    const bool acquire = sources.line().command == Command::acquire;
    Output output{.verbosity = read_verbosity(sources.line().typed)};
    if (acquire) output.token_file = read_token_file(sources);
    output.format =
        read_format(sources.line().typed, acquire && output.token_file.empty() ? Format::token : Format::nothing);
    return output;
}

} // namespace redlock::cmd
