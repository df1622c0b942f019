document.title = 'Parley directory'
