# debian/ makes packages of what was built that lintian has no complaint of, and
# in which everything is that `make install` brings, once.  (make check-package
# installs them on a clean Debian.)
use v5.26;
use warnings;
use Test::More;
use File::Temp;

my $dir = File::Temp->newdir;
my $source = "$dir/dynproxy";

sub run {
    my $said = `(@_) 2>&1`;
    return $? == 0 ? '' : "$said(status " . ($? >> 8) . ')';
}

# what git knows, and what was built of it: nothing is compiled again
mkdir $source;
is run("git ls-files -z | xargs -0 cp -a --parents -t $source && mkdir $source/build && { [ ! -d build/plain ] || cp -a build/plain $source/build; }"), '', 'a copy';
is run("cd $source && DEB_BUILD_OPTIONS='nocheck noautodbgsym' debian/rules binary"), '', 'debian/rules binary';
is run("cd $dir && lintian --allow-root --fail-on error,warning *.deb"), '', 'lintian';

my %package;
for my $name (qw(dynproxy dynproxy-tools)) {
    my ($deb) = glob "$dir/${name}_*.deb";
    $package{$_}{$name} = 1 for map { m{\s\./(\S*[^/\s])(?: -> .*)?$} ? $1 : () } `dpkg-deb -c $deb`;
}
my @files = grep { !-d "$source/debian/tmp/$_" || -l "$source/debian/tmp/$_" }
    map { chomp; s{^\./}{}r } `cd $source/debian/tmp && find . -mindepth 1`;
cmp_ok scalar(@files), '>', 20, 'make install brings files';
for my $file (sort @files) {
    my @in = map { keys %{ $package{$_} // {} } } $file, "$file.gz";
    is scalar(@in), 1, "$file: in @in";
}
my %owner = ('usr/sbin/dynproxyd' => 'dynproxy', 'usr/bin/dynproxyctl' => 'dynproxy',
    'etc/init.d/dynproxy' => 'dynproxy', 'lib/systemd/system/dynproxy.service' => 'dynproxy',
    'usr/bin/webservice' => 'dynproxy-tools', 'usr/bin/webservice-runner' => 'dynproxy-tools',
    'usr/bin/portreleaser' => 'dynproxy-tools', 'usr/bin/webservicemonitor' => 'dynproxy-tools',
    'lib/systemd/system/webservicemonitor.service' => 'dynproxy-tools');
is_deeply [keys %{ $package{$_} // {} }], [$owner{$_}], "$_ is where one looks for it" for sort keys %owner;
is_deeply [sort split ' ', `dpkg-deb -I $dir/dynproxy_*.deb conffiles`],
    [map { "/etc/$_/dynproxy" . ($_ eq 'dynproxy' ? '.conf' : '') } qw(dynproxy init.d logrotate.d)], 'settings are kept';
done_testing;
