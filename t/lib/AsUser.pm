# dynproxyctl, as another user of this machine than the daemon's.
package AsUser;
use v5.26;
use warnings;

use DynProxy;
use Exporter 'import';
our @EXPORT = qw(ctl_as);

# Returns exit status, standard output, standard error.
sub ctl_as {
    my ($proxy, $uid, @words) = @_;
    return run_command('setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups',
        "$DynProxy::BUILD/dynproxyctl", '-s', $proxy->socket_path('control'), @words);
}

1;
