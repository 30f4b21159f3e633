# The package for Nix: pkgs.callPackage ./package.nix { }
{ lib, rustPlatform }:

rustPlatform.buildRustPackage {
  pname = "hubgate";
  version = (lib.importTOML ../../Cargo.toml).package.version;
  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  # The end-to-end tests need root and an sshd.
  cargoTestFlags = [ "--lib" ];

  postInstall = ''
    mkdir programs
    mv $out/bin/* programs/
    # files.sh writes beneath usr, which has no place in the store.
    sh packaging/files.sh programs root
    cp -r root/usr/. $out/
    rm $out/libexec/hubgate/hubgate-sshd
  '';

  meta = {
    description = "Git over SSH for a hub of models, datasets and spaces";
    license = with lib.licenses; [ mit asl20 ];
    mainProgram = "hubgate";
    platforms = lib.platforms.linux;
  };
}
