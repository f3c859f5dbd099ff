//! Rows: passwords, access control, and commands that can do harm.

macro_rules! security_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Security" {
/// Password of the default user; empty for none.
Requirepass: "requirepass", binary_text(""), LIVE.sensitive();

/// File with the users and their rules; empty for none.
Aclfile: "aclfile", free_text(""), FIXED.refused("this version has no access control lists yet");

/// Entries the log of refused commands and failed logins keeps.
AcllogMaxLen: "acllog-max-len", count(128, 0, i64::MAX, Count), LIVE.later();

/// Channels a new user may use until a rule says otherwise.
AclPubsubDefault: "acl-pubsub-default", ChannelDefault::ResetChannels.kind(),
    LIVE.later();

/// Who may change settings that reach into the file system (`dir`, `dbfilename`): nobody, anybody,
/// or only clients on this machine.
EnableProtectedConfigs: "enable-protected-configs", Permission::No.kind(), FIXED;

/// Who may use DEBUG: nobody, anybody, or only clients on this machine.
EnableDebugCommand: "enable-debug-command", Permission::No.kind(), FIXED;

/// Who may use MODULE. There are no modules here, so it has nobody to let in.
EnableModuleCommand: "enable-module-command", Permission::No.kind(), FIXED.never();

/// Keeps keys and values of clients out of the log. The log never contains any here.
HideUserDataFromLog: "hide-user-data-from-log", Kind::Flag(true), LIVE.never();
}

    } };
}
