// Runs the scripts that travel to the nodes, byte for byte, in a Lua 5.1 like the one inside Redis. Each
// script is compiled once. Not for several threads; one for all nodes of a thread: scripts keep no state.
#pragma once

#include "store.hh"

#include <memory>
#include <utility>

struct lua_State;

namespace redlock::sim {

class ScriptEngine {
  public:
    ScriptEngine();
    ~ScriptEngine();
    ScriptEngine(const ScriptEngine &) = delete;
    ScriptEngine &operator=(const ScriptEngine &) = delete;

    // EVAL script with these keys and arguments on this data set.
    Value run(std::string_view script, std::span<const std::string_view> keys,
              std::span<const std::string_view> arguments, Store &store, std::int64_t now_us);

  private:
    static int call(lua_State *lua);
    static int protected_call(lua_State *lua);
    static int error_reply(lua_State *lua);
    static bool run_command(lua_State *lua);
    void load(std::string_view script);
    void set_global_list(const char *name, std::span<const std::string_view> words);

    lua_State *lua_;
    Store *store_ = nullptr;
    std::int64_t now_us_ = 0;
    bool wrote_ = false;                                // this script has
    std::vector<std::pair<std::string, int>> compiled_; // with the reference in Lua's registry
};

} // namespace redlock::sim
