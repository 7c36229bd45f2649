# next/ becomes current/ and is brought up. Without next/ the current one is brought up again: a switch that was cut off.
begin_change
[ -d next ] || [ -d current ] || fail 'nothing is staged on it'
if [ -d next ]; then
    if [ -d current ] && [ ! -e current/verified ] && [ -d previous ]; then
        mv -T current failed
    elif [ -d current ]; then
        [ ! -d previous ] || mv -T previous older
        mv -T current previous
    fi
    mv -T next current
    drop older
    drop failed
fi
bring_up current
