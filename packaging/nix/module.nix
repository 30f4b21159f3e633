# The module for NixOS: imports = [ ./module.nix ]; services.hubgate.enable = true;
{ config, lib, pkgs, ... }:

let
  cfg = config.services.hubgate;
  toml = pkgs.formats.toml { };
  # sshd refuses a program of /nix/store, because a group may write to that directory. So the programs are copied to
  # /etc, and git's hooks find `services` beside them. A file with a mode is a copy and not a link.
  copied = name: {
    mode = "0755";
    source = "${cfg.package}/libexec/hubgate/${name}";
  };
  libexec = "/etc/hubgate/libexec";
in
{
  options.services.hubgate = {
    enable = lib.mkEnableOption "hubgate, Git over SSH for a hub";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      description = "The package of hubgate.";
    };
    login = lib.mkOption {
      type = lib.types.str;
      default = "git";
      description = "The login account that all clients use.";
    };
    settings = lib.mkOption {
      inherit (toml) type;
      default = { };
      example = { hub.host = "hub.example"; };
      description = "The settings of hubgate.toml(5).";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package pkgs.git ];

    environment.etc = {
      # A copy too: hubgate reads no configuration through a link.
      "hubgate/config.toml" = {
        mode = "0644";
        source = toml.generate "config.toml" (lib.recursiveUpdate
          { ssh.login = cfg.login; paths.git = "${pkgs.git}/bin/git"; }
          cfg.settings);
      };
      "hubgate/libexec/authorized-keys" = copied "authorized-keys";
      "hubgate/libexec/gateway" = copied "gateway";
      "hubgate/libexec/services" = copied "services";
      "hubgate/libexec/hooks/pre-receive" = copied "services";
      "hubgate/libexec/hooks/proc-receive" = copied "services";
      "hubgate/libexec/hooks/post-receive" = copied "services";
    };

    users.users.${cfg.login} = {
      isSystemUser = true;
      group = cfg.login;
      home = "/var/lib/hubgate";
      shell = "${libexec}/gateway";
      # Matches no password, and is not locked.
      hashedPassword = "*";
    };
    users.groups.${cfg.login} = { };
    users.users.hubgate-keys = {
      isSystemUser = true;
      group = "hubgate-keys";
    };
    users.groups.hubgate-keys = { };

    systemd.tmpfiles.rules = [
      "d /var/lib/hubgate 0755 root root -"
      "d /var/lib/hubgate/db 2750 ${cfg.login} hubgate-keys -"
      "d /var/lib/hubgate/repositories 0750 ${cfg.login} ${cfg.login} -"
    ];

    # The database, and what a new version needs of it.
    systemd.services.hubgate-init = {
      description = "Create and migrate hubgate's database";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
      };
      path = [ pkgs.getent pkgs.shadow pkgs.git ];
      script = "${cfg.package}/bin/hubgate init --yes && ${cfg.package}/bin/hubgate migrate";
    };

    # The main lines of sshd_config.example.
    services.openssh = {
      enable = true;
      extraConfig = lib.mkBefore ''
        Match User ${cfg.login}
            AuthorizedKeysCommand ${libexec}/authorized-keys %u %t %k
            AuthorizedKeysCommandUser hubgate-keys
            AuthorizedKeysFile none
            TrustedUserCAKeys none
            AuthorizedPrincipalsFile none
            AuthorizedPrincipalsCommand none
            AuthenticationMethods publickey
            PubkeyAuthentication yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            MaxAuthTries 20
            DisableForwarding yes
            AllowTcpForwarding no
            PermitTTY no
            PermitUserRC no
            AcceptEnv GIT_PROTOCOL
            SetEnv LANG=C.UTF-8
            ExposeAuthInfo yes
            ClientAliveInterval 30
            ClientAliveCountMax 4
            LogLevel VERBOSE
        Match all
      '';
    };
  };
}
