-- Turns a fresh Lua state into the one that scripts see; runs once per state.
--
-- What scripts share (the globals, the libraries) must not change. Lua 5.1 has no read-only tables, so
-- scripts get empty tables in their place, whose metatables read from the real ones and refuse writes.
-- The functions that would go around metatables are replaced by ones that know those tables.

local native, real, shared = ...

local error, type, tostring, tonumber, next, select = error, type, tostring, tonumber, next, select
local rawget, rawset, setmetatable, getmetatable = rawget, rawset, setmetatable, getmetatable
local raw_pairs, concat, gsub, match = pairs, table.concat, string.gsub, string.match
local raw_pcall, raw_xpcall, unpack, insert = pcall, xpcall, unpack, table.insert
local rep, raw_resume, raw_collect = string.rep, coroutine.resume, collectgarbage
local describe, compile, on_error, breathe = native.describe, native.compile, native.on_error, native.breathe
local is_placed = native.is_placed

-- Longest pattern: matching recurses once per item, on the stack of C.
local PATTERN_BYTES_MAX = 4096
-- Most values that unpack returns; Lua's stack ends soon after.
local UNPACKED_COUNT_MAX = 8000
-- Most bytes that string.rep makes.
local REPEATED_BYTES_MAX = 512 * 1024 * 1024
-- Bytes of a text from which on work on it counts as long: the server gets its turn before.
local LONG_BYTES_MIN = 64 * 1024

-- From each table that scripts see to the one that it stands for.
local behind = {}
local READONLY = "Attempt to modify a readonly table"

local function deny()
  error(READONLY, 2)
end

-- Those of them that have no metatable in the eyes of scripts.
local is_plain = {}

local function protect(table)
  local seen = {}
  behind[seen] = table
  is_plain[seen] = true
  return setmetatable(seen, { __index = table, __newindex = deny, __metatable = false })
end

-- Replaces an error that Rust made by what Lua code expects.
local function plain(failure)
  if type(failure) == "userdata" then
    return describe(failure)
  end
  return failure
end

-- Drops the place of a function of this file from an error text.
local function unplaced(failure)
  if type(failure) == "string" then
    return match(failure, "^prelude:%d+: (.*)") or failure
  end
  return failure
end

-- Raises an error at the line that runs at a level of the stack.
local function raise(text, level)
  -- Code that has ended with the call that fails (`return pairs(1)`) has no line any more.
  if is_placed(level) then
    error(text, level)
  end
  error("prelude:0: " .. text, 0)
end

-- Repeats a call that failed, so that its error names the function and the caller's line.
local function complain(name, call, ...)
  local _, failure = raw_pcall(call, ...)
  failure = tostring(plain(failure))
  local text = gsub(failure, "'%?'", "'" .. name .. "'", 1)
  raise(text, 4)
end

local function protected_next(table, key)
  local original = behind[table]
  if original then
    return next(original, key)
  end
  if type(table) ~= "table" then
    return complain("next", next, table, key)
  end
  return next(table, key)
end

real.next = protected_next

function real.pairs(table)
  if behind[table] then
    return protected_next, table, nil
  end
  if type(table) ~= "table" then
    return complain("pairs", raw_pairs, table)
  end
  return next, table, nil
end

function real.rawget(table, key)
  if type(table) ~= "table" then
    return complain("rawget", rawget, table, key)
  end
  return rawget(behind[table] or table, key)
end

function real.rawset(table, key, value)
  if behind[table] then
    error(READONLY, 0)
  end
  if type(table) ~= "table" or key == nil then
    return complain("rawset", rawset, table, key, value)
  end
  return rawset(table, key, value)
end

function real.getmetatable(...)
  if is_plain[...] then
    return nil
  end
  if select("#", ...) == 0 then
    return complain("getmetatable", getmetatable)
  end
  return getmetatable(...)
end

function real.setmetatable(table, ...)
  if behind[table] then
    error(READONLY, 0)
  end
  local metatable = ...
  if type(table) ~= "table" or (type(metatable) ~= "table" and (metatable ~= nil or select("#", ...) == 0)) then
    return complain("setmetatable", setmetatable, table, ...)
  end
  return setmetatable(table, metatable)
end

function real.unpack(...)
  local list, first, last = ...
  if type(list) ~= "table" then
    return complain("unpack", unpack, ...)
  end
  local from, to = tonumber(first or 1), tonumber(last or #list)
  if not from or not to then
    return complain("unpack", unpack, ...)
  end
  if not (to - from < UNPACKED_COUNT_MAX) then
    raise("too many results to unpack", 3)
  end
  if to < from then
    return
  end
  -- As few arguments as there were: they share the stack with the results.
  return unpack(...)
end

local function settle(ok, ...)
  if ok then
    return true, ...
  end
  local failure = plain((...))
  if type(failure) == "table" then
    local text = failure.err
    if type(text) == "string" or type(text) == "number" then
      failure = text
    end
  end
  return false, unplaced(failure)
end

function real.pcall(...)
  if select("#", ...) == 0 then
    raise("bad argument #1 to 'pcall' (value expected)", 3)
  end
  return settle(raw_pcall(...))
end

function real.xpcall(body, ...)
  if select("#", ...) == 0 then
    raise("bad argument #2 to 'xpcall' (value expected)", 3)
  end
  local handler = ...
  return raw_xpcall(body, function(failure)
    return handler(plain(failure))
  end)
end

local function settle_resumed(ok, ...)
  if ok then
    return true, ...
  end
  return false, unplaced(plain((...)))
end

local coroutines = shared.coroutine

function coroutines.resume(thread, ...)
  if type(thread) ~= "thread" then
    return complain("resume", raw_resume, thread)
  end
  return settle_resumed(raw_resume(thread, ...))
end

-- Text of a chunk from the function that returns it in pieces.
local function gathered(reader)
  local pieces, count = {}, 0
  while true do
    local piece = reader()
    if piece == nil or piece == "" then
      return concat(pieces, "", 1, count)
    end
    if type(piece) ~= "string" then
      error("reader function must return a string", 0)
    end
    count = count + 1
    pieces[count] = piece
  end
end

function real.loadstring(text, name)
  if type(text) ~= "string" and type(text) ~= "number" then
    raise("bad argument #1 to 'loadstring' (string expected, got " .. (text == nil and "no value" or type(text)) .. ")", 3)
  end
  text = tostring(text)
  return compile(text, match(tostring(name or text), "^[^%z]*"))
end

function real.load(reader, name)
  if type(reader) ~= "function" then
    raise("bad argument #1 to 'load' (function expected, got " .. (reader == nil and "no value" or type(reader)) .. ")", 3)
  end
  local ok, text = raw_pcall(gathered, reader)
  if not ok then
    return nil, plain(text)
  end
  return compile(text, match(tostring(name or "=(load)"), "^[^%z]*"))
end

-- The collector may be asked to work, not to stop or to change its pace.
function real.collectgarbage(option, argument)
  if option == nil or option == "collect" or option == "count" or option == "step" then
    return raw_collect(option or "collect", 0)
  end
  if option == "stop" or option == "restart" or option == "setpause" or option == "setstepmul" then
    return 0
  end
  return complain("collectgarbage", raw_collect, option, argument)
end

local tables = shared.table

function tables.insert(list, ...)
  if behind[list] then
    error(READONLY, 0)
  end
  local count = select("#", ...)
  if type(list) ~= "table" or count == 0 or count > 2 or (count == 2 and not tonumber((...))) then
    return complain("insert", insert, list, ...)
  end
  return insert(list, ...)
end

local raw_foreach = tables.foreach

function tables.foreach(list, call)
  return raw_foreach(behind[list] or list, call)
end

local strings = shared.string

function strings.rep(...)
  local text, count = ...
  if (type(text) ~= "string" and type(text) ~= "number") or not tonumber(count) then
    return complain("rep", rep, ...)
  end
  text = tostring(text)
  if text == "" then
    return ""
  end
  local bytes = #text * count
  if not (bytes <= REPEATED_BYTES_MAX) then
    raise("resulting string too large", 3)
  end
  if bytes >= LONG_BYTES_MIN then
    breathe()
  end
  return rep(text, count)
end

local function is_text(value)
  local kind = type(value)
  return kind == "string" or kind == "number"
end

-- The name of the local variable is the one in error texts: so each matcher has its own code.
local BOUNDED = [[
local NAME, complain, is_text, breathe, type, raise, most, long = ...
return function(...)
  local text, pattern, _, is_plain = ...
  if type(text) ~= "string" or type(pattern) ~= "string" then
    if not is_text(text) or not is_text(pattern) then
      return complain("NAME", NAME, ...)
    end
  elseif #pattern > most and not ("NAME" == "find" and is_plain) then
    raise("pattern too complex", 3)
  elseif #text >= long then
    breathe()
  end
  return NAME(...)
end]]

for _, name in next, { "find", "match", "gmatch", "gfind", "gsub" } do
  local bounded = loadstring(gsub(BOUNDED, "NAME", name), "=prelude")
  local matcher = strings[name]
  strings[name] = bounded(
    matcher, complain, is_text, breathe, type, raise, PATTERN_BYTES_MAX, LONG_BYTES_MIN
  )
end

for _, name in next, {
  "_VERSION", "assert", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber",
  "tostring", "type",
} do
  real[name] = _G[name]
end

for name, library in next, shared do
  real[name] = protect(library)
end
real.server = real.redis

-- Methods of strings: calls find the functions, getmetatable shows a table that cannot be changed.
local of_strings = getmetatable("")
of_strings.__index = strings
local shown = {}
behind[shown] = { __index = real.string }
setmetatable(shown, { __index = behind[shown], __newindex = deny, __metatable = shown })
of_strings.__metatable = shown

-- The state's own table of globals becomes the one that scripts see: whatever has it as environment
-- finds what scripts find.
local globals = _G
for name in next, globals do
  globals[name] = nil
end
local function absent(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end
setmetatable(real, { __index = absent })
real._G = globals
behind[globals] = real

-- What the code of a library finds while it is loaded, in place of the globals.
local library = protect(setmetatable(native.library, { __index = absent }))
local library_globals = setmetatable({ redis = library, server = library }, { __index = absent })

local face = {}
behind[face] = { __index = globals }
setmetatable(face, { __index = behind[face], __newindex = deny, __metatable = face })
local view = { __index = real, __newindex = deny, __metatable = face }
setmetatable(globals, view)

local body, first, second
local function with_arguments()
  return body(first, second)
end

return {
  -- Runs a script that finds its keys and arguments among the globals.
  run = function(script, keys, arguments)
    real.KEYS = keys
    real.ARGV = arguments
    return raw_xpcall(script, on_error)
  end,
  -- Calls a function with its keys and arguments.
  call = function(called, keys, arguments)
    body, first, second = called, keys, arguments
    return raw_xpcall(with_arguments, on_error)
  end,
  -- Runs the code of a library.
  load = function(code)
    return raw_xpcall(code, on_error)
  end,
  view = view,
  library_globals = library_globals,
}
