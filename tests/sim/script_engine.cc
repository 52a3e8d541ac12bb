#include "script_engine.hh"

#include <cmath>
#include <cstdio>
#include <lua.hpp>
#include <new>
#include <stdexcept>

namespace redlock::sim {

namespace {

std::string_view text_at(lua_State *lua, int index) {
    std::size_t length = 0;
    const char *text = lua_tolstring(lua, index, &length);
    return {text, length};
}

void push_text(lua_State *lua, std::string_view text) { lua_pushlstring(lua, text.data(), text.size()); }

// { ok = text } or { err = text }
void push_named(lua_State *lua, const char *name, std::string_view text) {
    lua_createtable(lua, 0, 1);
    push_text(lua, text);
    lua_setfield(lua, -2, name);
}

// How Redis shows a reply to a script.
void push(lua_State *lua, const Value &value) {
    switch (value.kind) {
    case Value::Kind::nil: return lua_pushboolean(lua, 0);
    case Value::Kind::integer: return lua_pushnumber(lua, static_cast<lua_Number>(value.number));
    case Value::Kind::string: return push_text(lua, value.text);
    case Value::Kind::status: return push_named(lua, "ok", value.text);
    case Value::Kind::error: return push_named(lua, "err", value.text);
    case Value::Kind::array: break;
    }
    lua_createtable(lua, static_cast<int>(value.items.size()), 0);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        push(lua, value.items[i]);
        lua_rawseti(lua, -2, static_cast<int>(i + 1));
    }
}

Value from_table(lua_State *lua);

// How Redis makes a reply of what a script returns; takes it off the stack.
Value pop(lua_State *lua) {
    Value value;
    switch (lua_type(lua, -1)) {
    case LUA_TNUMBER: value = Value::integer(static_cast<std::int64_t>(lua_tonumber(lua, -1))); break;
    case LUA_TSTRING: value = Value::string(std::string(text_at(lua, -1))); break;
    case LUA_TBOOLEAN:
        if (lua_toboolean(lua, -1) != 0) value = Value::integer(1);
        break;
    case LUA_TTABLE: value = from_table(lua); break;
    default: break;
    }
    lua_pop(lua, 1);
    return value;
}

Value from_table(lua_State *lua) {
    for (const auto &[name, make] : {std::pair{"err", &Value::error}, std::pair{"ok", &Value::status}}) {
        lua_getfield(lua, -1, name);
        const bool there = lua_type(lua, -1) == LUA_TSTRING;
        Value value = there ? make(std::string(text_at(lua, -1))) : Value{};
        lua_pop(lua, 1);
        if (there) return value;
    }
    Value array{.kind = Value::Kind::array};
    for (int i = 1;; ++i) {
        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1)) break;
        array.items.push_back(pop(lua));
    }
    lua_pop(lua, 1);
    return array;
}

} // namespace

ScriptEngine::ScriptEngine() : lua_(luaL_newstate()) {
    if (lua_ == nullptr) throw std::bad_alloc();
    luaL_openlibs(lua_);
    // Half of a script is calls of functions in C, which LuaJIT's compiler gives up again and again.
    if (luaL_dostring(lua_, "if jit then jit.off() end") != 0) throw std::runtime_error("lua: cannot set up");
    lua_createtable(lua_, 0, 3);
    for (const auto &[name, function] :
         {std::pair{"call", &call}, std::pair{"pcall", &protected_call}, std::pair{"error_reply", &error_reply}}) {
        lua_pushlightuserdata(lua_, this);
        lua_pushcclosure(lua_, function, 1);
        lua_setfield(lua_, -2, name);
    }
    lua_setglobal(lua_, "redis");
}

ScriptEngine::~ScriptEngine() { lua_close(lua_); }

// Leaves the reply on the stack; true when it is an error. No object with a destructor may live when Lua's error jumps
// out of here.
bool ScriptEngine::run_command(lua_State *lua) {
    auto *const self = static_cast<ScriptEngine *>(lua_touserdata(lua, lua_upvalueindex(1)));
    constexpr int most_words = 16;
    std::string_view words[most_words];
    const int count = lua_gettop(lua);
    if (count > most_words) return luaL_error(lua, "too many words") != 0;
    for (int i = 1; i <= count; ++i) {
        if (lua_isstring(lua, i) == 0)
            return luaL_error(lua, "Lua redis lib command arguments must be strings or integers") != 0;
        words[i - 1] = text_at(lua, i);
    }
    const Value value = self->store_->call({words, static_cast<std::size_t>(count)}, self->now_us_, &self->wrote_);
    push(lua, value);
    return value.kind == Value::Kind::error;
}

// redis.call(): an error of the command ends the script.
int ScriptEngine::call(lua_State *lua) { return run_command(lua) ? lua_error(lua) : 1; }

int ScriptEngine::protected_call(lua_State *lua) {
    run_command(lua);
    return 1;
}

int ScriptEngine::error_reply(lua_State *lua) {
    push_named(lua, "err", text_at(lua, 1));
    return 1;
}

void ScriptEngine::load(std::string_view script) {
    for (const auto &[source, reference] : compiled_)
        if (source == script) return lua_rawgeti(lua_, LUA_REGISTRYINDEX, reference);
    if (luaL_loadbuffer(lua_, script.data(), script.size(), "@user_script") != 0)
        throw std::runtime_error("script: " + std::string(text_at(lua_, -1)));
    lua_pushvalue(lua_, -1);
    compiled_.emplace_back(script, luaL_ref(lua_, LUA_REGISTRYINDEX));
}

void ScriptEngine::set_global_list(const char *name, std::span<const std::string_view> words) {
    lua_createtable(lua_, static_cast<int>(words.size()), 0);
    for (std::size_t i = 0; i < words.size(); ++i) {
        push_text(lua_, words[i]);
        lua_rawseti(lua_, -2, static_cast<int>(i + 1));
    }
    lua_setglobal(lua_, name);
}

Value ScriptEngine::run(std::string_view script, std::span<const std::string_view> keys,
                        std::span<const std::string_view> arguments, Store &store, std::int64_t now_us) {
    store_ = &store;
    now_us_ = now_us;
    wrote_ = false;
    set_global_list("KEYS", keys);
    set_global_list("ARGV", arguments);
    load(script);
    if (lua_pcall(lua_, 0, 1, 0) == 0) return pop(lua_);
    // What redis.call() raised is a table; what Lua itself did not like, a string.
    Value failed = pop(lua_);
    if (failed.kind == Value::Kind::string) failed.kind = Value::Kind::error;
    return failed;
}

} // namespace redlock::sim
