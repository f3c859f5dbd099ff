//! Connections: greeting, signing in, naming, and what a client may ask about itself and others.

use crate::support::{hold, hold_with};

#[test]
fn ping_and_echo_answer() {
    hold(
        r#"
        PING => +PONG
        PING hello => "hello"
        PING a b => -ERR wrong number of arguments for 'ping' command
        ECHO hello => "hello"
        ECHO "" => ""
        ECHO => -ERR wrong number of arguments for 'echo' command
        ECHO a b => -ERR wrong number of arguments for 'echo' command
        "#,
    );
}

#[test]
fn command_names_are_matched_without_regard_to_case() {
    hold(
        r#"
        ping => +PONG
        PiNg x => "x"
        gEt missing => nil
        "#,
    );
}

#[test]
fn an_unknown_command_is_named_with_its_arguments() {
    hold(
        r#"
        FOO => -ERR unknown command 'FOO', with args beginning with: 
        FOO a b => -ERR unknown command 'FOO', with args beginning with: 'a' 'b' 
        FOO "a b" "" => -ERR unknown command 'FOO', with args beginning with: 'a b' '' 
        foo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => -ERR unknown command 'foo', with args beginning with: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' 
        foo a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v w x y z => -ERR unknown command 'foo', with args beginning with: 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h' 'i' 'j' 'k' 'l' 'm' 'n' 'o' 'p' 'q' 'r' 's' 't' 'u' 'v' 'w' 'x' 'y' 'z' 'a' 'b' 'c' 'd' 'e' 'f' 
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa => -ERR unknown command 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', with args beginning with: 
        "foo\r\nbar" "a\nb" => -ERR unknown command 'foo  bar', with args beginning with: 'a b' 
        "" => -ERR unknown command '', with args beginning with: 
        "" x => -ERR unknown command '', with args beginning with: 'x' 
        "#,
    );
}

#[test]
fn hello_refuses_what_it_cannot_take() {
    hold(
        r#"
        HELLO 1 => -NOPROTO unsupported protocol version
        HELLO 4 => -NOPROTO unsupported protocol version
        HELLO x => -ERR Protocol version is not an integer or out of range
        HELLO 3 FOO => -ERR Syntax error in HELLO option 'FOO'
        HELLO 3 AUTH => -ERR Syntax error in HELLO option 'AUTH'
        HELLO 3 AUTH a => -ERR Syntax error in HELLO option 'AUTH'
        HELLO 3 SETNAME => -ERR Syntax error in HELLO option 'SETNAME'
        HELLO 3 SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
        HELLO 2 SETNAME "a\nb" => -ERR Client names cannot contain spaces, newlines or special characters.
        PING => +PONG
        "#,
    );
}

#[test]
fn hello_sets_the_name() {
    hold(
        r#"
        HELLO 2 SETNAME me
        CLIENT GETNAME => "me"
        HELLO 3 SETNAME ""
        CLIENT GETNAME
        HELLO 2
        CLIENT GETNAME => nil
        "#,
    );
}

#[test]
fn auth_without_a_password_set() {
    hold(
        r"
        AUTH x => -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        AUTH default x => +OK
        AUTH nobody x => -WRONGPASS invalid username-password pair or user is disabled.
        AUTH => -ERR wrong number of arguments for 'auth' command
        AUTH a b c => -ERR syntax error
        HELLO 3 AUTH default x
        HELLO 2 AUTH nobody x => -WRONGPASS invalid username-password pair or user is disabled.
        ",
    );
}

#[test]
fn select_echo_and_quit_check_their_arguments() {
    hold(
        r"
        SELECT => -ERR wrong number of arguments for 'select' command
        SELECT 1 2 => -ERR wrong number of arguments for 'select' command
        RESET x => -ERR wrong number of arguments for 'reset' command
        ECHO => -ERR wrong number of arguments for 'echo' command
        ",
    );
}

#[test]
fn client_getname_and_setname() {
    hold(
        r#"
        CLIENT GETNAME => nil
        CLIENT SETNAME me => +OK
        CLIENT GETNAME => "me"
        CLIENT SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
        CLIENT SETNAME "a\n" => -ERR Client names cannot contain spaces, newlines or special characters.
        CLIENT GETNAME => "me"
        CLIENT SETNAME "" => +OK
        CLIENT GETNAME => nil
        CLIENT SETNAME => -ERR wrong number of arguments for 'client|setname' command
        CLIENT GETNAME x => -ERR wrong number of arguments for 'client|getname' command
        CLIENT SETNAME "\xc3\xa4" => -ERR Client names cannot contain spaces, newlines or special characters.
        "#,
    );
}

#[test]
fn client_setinfo_keeps_the_library() {
    hold(
        r#"
        CLIENT SETINFO lib-name redis-py => +OK
        CLIENT SETINFO LIB-VER 1.2.3 => +OK
        CLIENT SETINFO lib-name "redis py(x)" => -ERR lib-name cannot contain spaces, newlines or special characters.
        CLIENT SETINFO lib-name "a\nb" => -ERR lib-name cannot contain spaces, newlines or special characters.
        CLIENT SETINFO lib-ver "a b" => -ERR lib-ver cannot contain spaces, newlines or special characters.
        CLIENT SETINFO foo bar => -ERR Unrecognized option 'foo'
        CLIENT SETINFO lib-name => -ERR wrong number of arguments for 'client|setinfo' command
        CLIENT SETINFO => -ERR wrong number of arguments for 'client|setinfo' command
        "#,
    );
}

#[test]
fn client_id_and_friends_check_their_arguments() {
    hold(
        r#"
        CLIENT ID => :...
        CLIENT ID x => -ERR wrong number of arguments for 'client|id' command
        CLIENT INFO x => -ERR wrong number of arguments for 'client|info' command
        CLIENT => -ERR wrong number of arguments for 'client' command
        CLIENT FOO => -ERR unknown subcommand 'FOO'. Try CLIENT HELP.
        CLIENT FOO a b => -ERR unknown subcommand 'FOO'. Try CLIENT HELP.
        CLIENT LIST FOO => -ERR syntax error
        CLIENT LIST TYPE => -ERR syntax error
        CLIENT LIST TYPE foo => -ERR Unknown client type 'foo'
        CLIENT LIST ID => -ERR syntax error
        CLIENT LIST ID 999999 => ""
        CLIENT LIST TYPE pubsub => ""
        CLIENT LIST TYPE replica => ""
        CLIENT LIST TYPE slave => ""
        CLIENT LIST TYPE master => ""
        "#,
    );
}

#[test]
fn client_kill_refuses_what_it_cannot_take() {
    hold(
        r"
        CLIENT KILL => -ERR wrong number of arguments for 'client|kill' command
        CLIENT KILL 1.2.3.4:5 => -ERR No such client
        CLIENT KILL ADDR => -ERR No such client
        CLIENT KILL ADDR 1.2.3.4:5 => :0
        CLIENT KILL ID 0 => -ERR client-id should be greater than 0
        CLIENT KILL ID -1 => -ERR client-id should be greater than 0
        CLIENT KILL ID 999999 => :0
        CLIENT KILL TYPE foo => -ERR Unknown client type 'foo'
        CLIENT KILL TYPE pubsub => :0
        CLIENT KILL USER nobody => -ERR No such user 'nobody'
        CLIENT KILL SKIPME => -ERR No such client
        CLIENT KILL SKIPME foo => -ERR syntax error
        CLIENT KILL SKIPME yes ID 99999 => :0
        CLIENT KILL FOO bar => -ERR syntax error
        CLIENT KILL FOO bar BAZ => -ERR syntax error
        CLIENT KILL LADDR 1.2.3.4:5 => :0
        CLIENT KILL MAXAGE x => -ERR maxage is not an integer or out of range
        CLIENT KILL MAXAGE 0 => -ERR maxage should be greater than 0
        CLIENT KILL MAXAGE -1 => -ERR maxage should be greater than 0
        CLIENT KILL MAXAGE 100000 => :0
        ",
    );
}

#[test]
fn client_reply_checks_its_argument() {
    hold(
        r"
        CLIENT REPLY => -ERR wrong number of arguments for 'client|reply' command
        CLIENT REPLY FOO => -ERR syntax error
        CLIENT REPLY ON => +OK
        CLIENT REPLY ON x => -ERR wrong number of arguments for 'client|reply' command
        ",
    );
}

#[test]
fn client_pause_and_unpause() {
    hold(
        r"
        CLIENT PAUSE => -ERR wrong number of arguments for 'client|pause' command
        CLIENT PAUSE x => -ERR timeout is not an integer or out of range
        CLIENT PAUSE -1 => -ERR timeout is negative
        CLIENT PAUSE 1 FOO => -ERR CLIENT PAUSE mode must be WRITE or ALL
        CLIENT PAUSE 1 WRITE => +OK
        CLIENT PAUSE 1 ALL => +OK
        CLIENT UNPAUSE => +OK
        CLIENT UNPAUSE x => -ERR wrong number of arguments for 'client|unpause' command
        ",
    );
}

#[test]
fn client_no_evict_and_no_touch() {
    hold(
        r"
        CLIENT NO-EVICT => -ERR wrong number of arguments for 'client|no-evict' command
        CLIENT NO-EVICT FOO => -ERR syntax error
        CLIENT NO-EVICT ON => +OK
        CLIENT NO-EVICT off => +OK
        CLIENT NO-TOUCH => -ERR wrong number of arguments for 'client|no-touch' command
        CLIENT NO-TOUCH FOO => -ERR syntax error
        CLIENT NO-TOUCH ON => +OK
        CLIENT NO-TOUCH off => +OK
        ",
    );
}

#[test]
fn client_unblock_of_who_is_not_blocked() {
    hold(
        r"
        CLIENT UNBLOCK => -ERR wrong number of arguments for 'client|unblock' command
        CLIENT UNBLOCK x => -ERR value is not an integer or out of range
        CLIENT UNBLOCK 999999 => :0
        CLIENT UNBLOCK 999999 TIMEOUT => :0
        CLIENT UNBLOCK 999999 ERROR => :0
        CLIENT UNBLOCK 999999 FOO => -ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        CLIENT UNBLOCK -1 => :0
        ",
    );
}

#[test]
fn client_tracking_and_caching_check_their_arguments() {
    hold(
        r#"
        CLIENT TRACKING => -ERR wrong number of arguments for 'client|tracking' command
        CLIENT TRACKING FOO => -ERR syntax error
        CLIENT TRACKING ON REDIRECT => -ERR syntax error
        CLIENT TRACKING ON REDIRECT x => -ERR value is not an integer or out of range
        CLIENT TRACKING ON REDIRECT 999999 => -ERR The client ID you want redirect to does not exist
        CLIENT TRACKING ON FOO => -ERR syntax error
        CLIENT TRACKING ON PREFIX a => -ERR PREFIX option requires BCAST mode to be enabled
        CLIENT TRACKING ON OPTIN OPTOUT => -ERR You can't specify both OPTIN mode and OPTOUT mode
        CLIENT TRACKING OFF => +OK
        CLIENT GETREDIR => :-1
        CLIENT TRACKINGINFO => ["flags", ["off"], "redirect", :-1, "prefixes", []]
        CLIENT CACHING => -ERR wrong number of arguments for 'client|caching' command
        CLIENT CACHING FOO => -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        CLIENT CACHING YES => -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        CLIENT CACHING NO => -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        "#,
    );
}

#[test]
fn reset_returns_to_the_beginning() {
    hold(
        r#"
        CLIENT SETNAME me => +OK
        SELECT 3 => +OK
        HELLO 3
        RESET => +RESET
        CLIENT GETNAME => nil
        SET a 1 => +OK
        SELECT 0 => +OK
        GET a => "1"
        "#,
    );
}

#[test]
fn requirepass_guards_every_command_but_the_greeting() {
    hold_with(
        &[("requirepass", "secret")],
        r#"
        AUTH wrong => -WRONGPASS invalid username-password pair or user is disabled.
        AUTH nobody secret => -WRONGPASS invalid username-password pair or user is disabled.
        AUTH default wrong => -WRONGPASS invalid username-password pair or user is disabled.
        PING => +PONG
        AUTH default secret => +OK
        AUTH secret => +OK
        RESET => +RESET
        PING => -NOAUTH Authentication required.
        GET a => -NOAUTH Authentication required.
        SHUTDOWN => -NOAUTH Authentication required.
        HELLO => -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        HELLO 3 => -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        HELLO 3 AUTH default wrong => -WRONGPASS invalid username-password pair or user is disabled.
        HELLO 3 SETNAME me => -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        HELLO 2 AUTH default secret SETNAME me
        CLIENT GETNAME => "me"
        RESET => +RESET
        PING => -NOAUTH Authentication required.
        AUTH secret => +OK
        PING => +PONG
        "#,
    );
}
